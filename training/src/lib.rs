//! Fits rungs' difficulty heads. Numbers in (feature rows, labels, costs, groups), coefficients, calibration,
//! operating points and a report out; this crate knows nothing of requests, files or HTTP.
