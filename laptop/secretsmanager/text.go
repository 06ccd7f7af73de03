package secretsmanager

// Text is what a secret, by its name or ARN, holds as text, in the version of that ID or stage; without
// either it is the one that is current. Dynamic references stand for it, or for a member of it:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
func (s *Service) Text(secret, versionID, versionStage string) (string, error) {
	v, err := s.GetSecretValue(secret, versionID, versionStage)
	if err != nil {
		return "", err
	}
	if v.SecretString == nil {
		return "", invalid("secret %s holds no text", v.Name)
	}
	return *v.SecretString, nil
}
