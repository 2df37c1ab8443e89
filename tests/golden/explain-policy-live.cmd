{slactl} explain T1 --policy {dir}/IDEA-09.policy
