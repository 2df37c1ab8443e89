{slactl} lint {dir}/lint-friday.policy --year 2026
