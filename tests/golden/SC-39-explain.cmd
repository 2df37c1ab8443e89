{slactl} explain T1 --replay {dir}/SC-39.in --policy {dir}/SC-39.policy --until 2026-06-09T15:00:00Z
