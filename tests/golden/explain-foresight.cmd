{slactl} explain GOOD --foresight --replay {dir}/explain-foresight.in --policy {dir}/explain-foresight.policy --until 2026-03-10T11:00:00Z
