env SLAD_ZONEINFO={dir}/../zoneinfo-without-ramadan {slactl} replay --policy {dir}/SC-17-without-rule.policy --until 2026-02-13T15:00:00Z --emit clocks
