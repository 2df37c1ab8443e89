{slactl} lint {dir}/lint-loose.policy --year 2026 --json
