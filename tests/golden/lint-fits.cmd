{slactl} lint {dir}/lint-fits.policy --year 2026 --json
