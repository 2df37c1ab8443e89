{slactl} whatif --old {dir}/SC-44-whatif.old --new {dir}/SC-44-whatif.new {dir}/SC-44-whatif.in
