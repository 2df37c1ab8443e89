{slactl} calendar --policy {dir}/SC-22-spans.policy
