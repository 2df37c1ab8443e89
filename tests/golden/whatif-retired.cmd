{slactl} whatif --old {dir}/whatif-retired.policy --new {dir}/whatif-retired.policy
