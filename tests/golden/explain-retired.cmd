{slactl} explain T1 --replay - --policy {dir}/explain-retired.policy
