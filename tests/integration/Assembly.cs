// One test at a time: each one looks at the whole machine for what it may have left behind.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
