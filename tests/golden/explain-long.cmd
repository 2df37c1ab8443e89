{slactl} explain T1 --replay {dir}/explain-long.in --policy {dir}/explain-long.policy
