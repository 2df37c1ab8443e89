{slactl} explain T1 --replay {dir}/SC-32.in --policy {dir}/SC-32.policy
