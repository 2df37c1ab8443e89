{slactl} explain T1 --replay {dir}/explain-retroactive.in --policy {dir}/explain-retroactive.policy 
