-- Nodes that were deleted and leases that are over stay for a day (pools 4.1, 4.2). What the pool reads at a start, and what is
-- listed, are in indexes of their own, however many have gone.
CREATE INDEX nodes_living ON nodes (id) WHERE state <> 'deleted';
CREATE INDEX nodes_deleted ON nodes (since) WHERE state = 'deleted';
CREATE INDEX leases_living ON leases (id) WHERE state NOT IN ('released', 'cancelled', 'failed');
CREATE INDEX leases_over ON leases (since) WHERE state IN ('released', 'cancelled', 'failed');
