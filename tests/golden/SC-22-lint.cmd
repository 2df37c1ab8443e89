{slactl} lint {dir}/SC-22-lint.policy
