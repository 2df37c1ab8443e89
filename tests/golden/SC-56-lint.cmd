{slactl} lint {dir}/SC-56-lint.policy
