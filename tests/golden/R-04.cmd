{slactl} calendar --policy {dir}/R-04.policy
