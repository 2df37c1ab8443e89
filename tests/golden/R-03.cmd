{slactl} calendar --policy {dir}/R-03.policy
