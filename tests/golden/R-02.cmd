{slactl} calendar --policy {dir}/R-02.policy
