{slactl} explain T1 --replay {dir}/explain-excused.in --policy {dir}/explain-excused.policy --until 2026-06-09T14:00:00Z
