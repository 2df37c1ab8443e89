{slactl} policy diff {dir}/policy-diff.old {dir}/policy-diff.new
