{slactl} whatif --old {dir}/explain-retired.policy --new {dir}/explain-retired.policy
