{slactl} lint {dir}/IDEA-09.policy --year 2026
