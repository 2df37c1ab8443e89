{slactl} check {dir}/SC-21-check.policy
