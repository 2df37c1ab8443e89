{slactl} explain B --replay {dir}/SC-60-due.in --policy {dir}/SC-60-due.policy --until 2026-06-09T09:30:00Z --json
