{slactl} explain T1 --replay {dir}/R-31.in --policy {dir}/R-31.policy --clock sla/nothing
