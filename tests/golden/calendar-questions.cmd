{slactl} calendar --policy {dir}/calendar-questions.policy
