env SLAD_ZONEINFO={dir}/../zoneinfo-without-ramadan {slactl} explain T1 --replay {dir}/SC-17-without-rule.in --policy {dir}/SC-17-without-rule.policy --until 2026-02-13T15:00:00Z --json
