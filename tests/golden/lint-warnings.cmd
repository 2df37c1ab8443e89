{slactl} lint {dir}/lint-warnings.policy --year 2026 --json
