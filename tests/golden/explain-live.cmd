{slactl} explain T1
