package eval

import (
	"testing"

	"github.com/ephor-io/ephor/cfn/parse"
)

func TestQuick(t *testing.T) {
	p, err := parse.Parse([]byte(`
Parameters:
  Stage: {Type: String, Default: test}
Conditions:
  IsTest: !Equals [!Ref Stage, test]
Resources:
  A:
    Type: T::A
    Properties:
      Name: !Sub "${AWS::StackName}-${Stage}-${!lit}"
      X: !If [IsTest, yes, !Ref B]
  B:
    Type: T::B
    DependsOn: A
    Properties:
      Y: !GetAtt A.Arn
`))
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(p); err != nil {
		t.Fatal(err)
	}
	ps, err := Parameters(t.Context(), p, nil, nil)
	s := &Scope{Template: p, Parameters: ps, Pseudo: Pseudo{StackName: "S"}}
	s.Conditions, err = Conditions(s)
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewGraph(p, s.Conditions)
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.Properties("A")
	t.Log(g.Order(), v, err)
}
