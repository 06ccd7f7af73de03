//go:build !ephor_profile

package function

// takeProfiles does nothing in a program that is not built with the tag ephor_profile.
func takeProfiles() {}
