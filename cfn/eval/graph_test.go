package eval

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/cfn"
	"github.com/ephor-io/ephor/cfn/parse"
)

func TestGraph(t *testing.T) {
	t.Parallel()
	f := func(resources string, order []string, message string) {
		t.Helper()
		p, err := parse.Parse([]byte("Conditions: {Yes: !Equals [a, a], Never: !Equals [a, b]}\nResources:\n" + resources))
		if err != nil {
			t.Fatal(err)
		}
		g, err := NewGraph(p, map[string]bool{"Yes": true, "Never": false})
		if message != "" {
			var e *parse.Error
			if !errors.As(err, &e) || e.Message != message {
				t.Errorf("%s\ngot  %v\nwant %s", resources, err, message)
			}
			return
		}
		if err != nil {
			t.Errorf("%s%v", resources, err)
			return
		}
		if diff := cmp.Diff(order, g.Order()); diff != "" {
			t.Errorf("%s(-want +got):\n%s", resources, diff)
		}
	}
	f(`
  C: {Type: T, Properties: {V: !Sub "${B.Arn}"}}
  B: {Type: T, Properties: {V: [{W: !GetAtt A.Arn}]}}
  A: {Type: T}
  D: {Type: T, DependsOn: [C, A]}
`, []string{"A", "B", "C", "D"}, "")
	f(`
  A: {Type: T, DependsOn: B, Properties: {V: !If [Never, !Ref B, x]}}
  B: {Type: T, Condition: Never}
`, []string{"A"}, "")
	f(`
  A: {Type: T, Properties: {V: !Sub ["${B}${x}", {x: !Ref C}]}}
  B: {Type: T}
  C: {Type: T}
`, []string{"B", "C", "A"}, "")
	f(`
  A: {Type: T, Properties: {V: !Ref B}}
  B: {Type: T, Condition: Never}
`, nil, "Template format error: Unresolved resource dependencies [B] in the Resources block of the template")
	f(`
  A: {Type: T, DependsOn: B}
  B: {Type: T, Properties: {V: !Ref A}}
  C: {Type: T, DependsOn: A}
  D: {Type: T, DependsOn: C}
  E: {Type: T}
  F: {Type: T, DependsOn: E}
`, nil, "Circular dependency between resources: [A, B]")
	f(`
  A: {Type: T, DependsOn: A}
`, nil, "Circular dependency between resources: [A]")
	// Between two cycles, C lies on neither, but hangs between them: AWS names it too.
	f(`
  A: {Type: T, DependsOn: B}
  B: {Type: T, DependsOn: A}
  C: {Type: T, DependsOn: A}
  D: {Type: T, DependsOn: [C, E]}
  E: {Type: T, DependsOn: D}
`, nil, "Circular dependency between resources: [A, B, C, D, E]")
}

// Any acyclic graph is ordered so that everything comes after what it needs.
func TestGraphOrdersAnyDAG(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		names := make([]string, 1+rnd.IntN(40))
		for i := range names {
			names[i] = fmt.Sprintf("R%d", i)
		}
		rnd.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		resources := map[string]cfn.Resource{}
		for i, name := range names {
			var needs []any
			for range rnd.IntN(4) {
				if i > 0 {
					needs = append(needs, cfn.Ref(names[rnd.IntN(i)]))
				}
			}
			resources[name] = cfn.Resource{Type: "T", Properties: map[string]any{"Needs": needs}}
		}
		p := &parse.Template{Template: cfn.Template{Resources: resources}}
		g, err := NewGraph(p, nil)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		order := g.Order()
		if len(order) != len(names) {
			t.Fatalf("seed %d: %d of %d are ordered", seed, len(order), len(names))
		}
		for i, id := range order {
			for _, need := range g.Needs(id) {
				if j := slices.Index(order, need); j >= i {
					t.Fatalf("seed %d: %s comes before %s, which it needs", seed, id, need)
				}
			}
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	f := func(text, want string) {
		t.Helper()
		p, err := parse.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		err = Check(p)
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", text, err)
			}
			return
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", text, err, want)
		}
	}
	f("Parameters: {P: {Type: String}}\nResources: {A: {Type: T, Properties: {V: [!Ref P, !Ref 'AWS::Region', {'Fn::ImportValue': !Ref P}]}}}", "")
	f("Resources:\n  A: {Type: T, Properties: {V: [!Ref X, !Sub '${Y} ${Z.Arn}']}}\n  B: {Type: T, DependsOn: W}",
		"Resources.A.Properties.V[0].Ref, line 2, column 33: Template format error: Unresolved resource dependencies [W, X, Y, Z] in the Resources block of the template")
	f("Resources:\n  A: {Type: T}\nOutputs: {O: {Value: !Ref X}}",
		"Outputs.O.Value.Ref, line 3, column 22: Template format error: Unresolved resource dependencies [X] in the Outputs block of the template")
	f("Resources:\n  A: {Type: T, Condition: C}", "Resources.A.Condition, line 2, column 16: Template format error: Unresolved condition dependency C in the Resources block of the template")
	f("Resources:\n  A: {Type: T, Properties: {V: !If [C, a, b]}}", "Resources.A.Properties.V, line 2, column 29: Template error: unresolved condition dependency C in Fn::If")
	f("Resources:\n  A: {Type: T, Properties: {V: !GetAtt B.Arn}}", "Resources.A.Properties.V.Fn::GetAtt, line 2, column 32: Template error: instance of Fn::GetAtt references undefined resource B")
}

func TestUses(t *testing.T) {
	t.Parallel()
	s, err := scopeFor(t, fmt.Sprintf(surroundings, `[!Ref Stage, !GetAtt A.Arn, !Sub "${A} ${Stage}", !ImportValue x, !If [IsProd, !Ref NewB, y]]`), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Uses("Resources.X.Properties", any(s.Template.Resources["X"].Properties))
	if err != nil {
		t.Fatal(err)
	}
	want := []Use{{Parameter: "Stage"}, {Resource: "A", Attribute: "Arn"}, {Resource: "A"}, {Import: "x"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	names, err := s.ImportNames()
	if err != nil || !slices.Equal(names, []string{"x"}) {
		t.Errorf("ImportNames: %v, %v", names, err)
	}
}

// Whatever a template says, evaluation ends with values or with an *Error, and values hold no
// function any more.
func FuzzEval(f *testing.F) {
	f.Add(fmt.Sprintf(surroundings, `!Sub "${A}-${Stage}"`))
	f.Add(fmt.Sprintf(surroundings, `!Cidr [10.0.0.0/16, 3, 8]`))
	f.Add(fmt.Sprintf(surroundings, `!Select [0, !Split [",", !Join ["", [a, !Ref NewB]]]]`))
	f.Add(fmt.Sprintf(surroundings, `!If [IsTest, !Ref "AWS::NoValue", !FindInMap [Sizes, test, size]]`))
	f.Add(fmt.Sprintf(surroundings, `"{{resolve:secretsmanager:a:SecretString:b}}"`))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parse.Parse([]byte(text))
		if err != nil {
			return
		}
		check := func(err error) bool {
			var e *parse.Error
			if err != nil && !errors.As(err, &e) {
				t.Fatalf("%T: %v", err, err)
			}
			return err == nil
		}
		checked := check(Check(p))
		params, err := Parameters(t.Context(), p, nil, store{})
		if !check(err) {
			return
		}
		s := &Scope{Template: p, Parameters: params, Resources: made{}, Imports: exports{}}
		if s.Conditions, err = Conditions(s); !check(err) {
			return
		}
		g, err := NewGraph(p, s.Conditions)
		if !check(err) {
			return
		}
		for _, id := range g.Order() {
			props, err := s.Properties(id)
			if !check(err) {
				continue
			}
			if !checked {
				continue
			}
			if name, found := functionIn(props); found {
				t.Fatalf("%s is left in %v", name, props)
			}
			_, _, err = Dynamic(t.Context(), props, Stores{Secrets: store{}, Parameters: store{}})
			check(err)
		}
	})
}

func functionIn(v any) (string, bool) {
	switch v := v.(type) {
	case map[string]any:
		if name, _, ok := Function(v); ok && strings.HasPrefix(name, "Fn::") {
			return name, true
		}
		for _, item := range v {
			if name, found := functionIn(item); found {
				return name, true
			}
		}
	case []any:
		for _, item := range v {
			if name, found := functionIn(item); found {
				return name, true
			}
		}
	}
	return "", false
}
