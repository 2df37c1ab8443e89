{slactl} explain T1 --replay {dir}/SC-17.in --policy {dir}/SC-17.policy --until 2026-02-13T15:00:00Z --json
