package awsproto

import "encoding/json"

// OneOrMany is a JSON value that may stand alone or in a list, as IAM's policies have them and a token's audience
// does: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type OneOrMany[V any] []V

// UnmarshalJSON reads a list, or anything else as the only one of it.
func (l *OneOrMany[V]) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		return json.Unmarshal(text, (*[]V)(l))
	}
	var one V
	if err := json.Unmarshal(text, &one); err != nil {
		return err
	}
	*l = OneOrMany[V]{one}
	return nil
}
