package enum CQLPlaceholder {}
