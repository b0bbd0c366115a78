//! The echo endpoints. They share no state with the analysis that checks them.
