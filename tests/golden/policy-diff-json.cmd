{slactl} policy diff --json {dir}/policy-diff.old {dir}/policy-diff.new
