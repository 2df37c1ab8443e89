{slactl} audit --policy {dir}/IDEA-07.policy {dir}/audit-polished.outcomes
