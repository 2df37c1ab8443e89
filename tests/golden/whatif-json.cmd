{slactl} whatif --json --until 2026-06-09T12:00:00Z --old {dir}/SC-44-whatif.old --new {dir}/whatif-json.new {dir}/SC-44-whatif.in
