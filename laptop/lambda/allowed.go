package lambda

// MayInvoke tells why the service principal, on behalf of source, may not invoke a function: it is not
// there, or its policy does not allow it. Account is the source's, where its ARN does not say it.
func (s *Service) MayInvoke(function, principal, source, account string) error {
	fam, qualifier, err := s.family(function)
	if err != nil {
		return err
	}
	to, err := fam.resolve(qualifier)
	if err != nil {
		return err
	}
	in := InvokeInput{Principal: principal, SourceARN: source, SourceAccount: account}
	if !in.allowed(to.policy) {
		return errDenied(principal, to.arn)
	}
	return nil
}
