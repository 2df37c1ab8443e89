{slactl} import --dry-run --policy {dir}/import-csv.policy --columns ticket=Number,created=Opened_at,solved=Resolved_at,group=Group,priority=Priority --time-zone Europe/Berlin {dir}/import-csv.csv
