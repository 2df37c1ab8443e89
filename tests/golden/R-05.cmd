{slactl} calendar --policy {dir}/R-05.policy
