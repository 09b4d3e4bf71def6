/// The version of all three programs.
public let pmaputilsVersion = "0.1.0"
