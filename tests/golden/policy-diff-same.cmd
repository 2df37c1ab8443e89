{slactl} policy diff {dir}/policy-diff.old {dir}/policy-diff.old
