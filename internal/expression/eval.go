package expression

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// run fills one text.
type run struct {
	*Evaluator
	scope   Scope
	missing []string
	// offset is where in the text the expression begins.
	offset int
}

var (
	errSteps   = errors.New("the expressions of this document take too much work")
	errTooLong = fmt.Errorf("a text would become longer than %d KiB", maxOutput>>10)
)

// pay counts steps.
func (r *run) pay(steps int) error {
	if r.steps -= steps; r.steps < 0 {
		return errSteps
	}
	return nil
}

// refuse is an *Error at a character of the expression.
func (r *run) refuse(at int, err error) error {
	return &Error{Position: r.offset + at + 1, Reason: err.Error(), cause: err}
}

// eval is the value of a node. It knows the nodes of the contract's language, and
// refuses what else expr-lang can read.
func (r *run) eval(n ast.Node) (any, error) {
	if err := r.pay(1); err != nil {
		return nil, r.refuse(0, err)
	}
	switch n := n.(type) {
	case *ast.NilNode:
		return nil, nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.IntegerNode:
		return float64(n.Value), nil
	case *ast.FloatNode:
		return n.Value, nil
	case *ast.StringNode:
		return n.Value, nil
	case *ast.IdentifierNode:
		return r.variable(n)
	case *ast.MemberNode:
		return r.member(n)
	case *ast.ChainNode:
		return r.eval(n.Node)
	case *ast.UnaryNode:
		return r.unary(n)
	case *ast.BinaryNode:
		return r.binary(n)
	case *ast.ConditionalNode:
		return r.conditional(n)
	case *ast.CallNode:
		return r.call(n)
	case *ast.BuiltinNode:
		return nil, r.refuse(n.Location().From, unknownFunction(n.Name))
	case nil:
		return nil, r.refuse(0, errors.New("this cannot be read"))
	}
	return nil, r.refuse(n.Location().From, errors.New("this is not part of the language"))
}

func (r *run) variable(n *ast.IdentifierNode) (any, error) {
	name := dashed(n.Value)
	if name == "null" {
		return nil, nil
	}
	v, ok, err := r.scope(name)
	switch {
	case err != nil:
		return nil, r.refuse(n.Location().From, err)
	case ok:
		return v, nil
	}
	if !slices.Contains(r.missing, name) {
		r.missing = append(r.missing, name)
	}
	return "", nil
}

// member is a field of an object or an item of a list. What is not there is an
// empty text, and so is what is in it.
func (r *run) member(n *ast.MemberNode) (any, error) {
	v, err := r.eval(n.Node)
	if err != nil {
		return nil, err
	}
	key, err := r.eval(n.Property)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case map[string]any:
		name, err := r.text(key)
		if err != nil {
			return nil, r.refuse(n.Location().From, err)
		}
		if field, ok := v[dashed(name)]; ok {
			return field, nil
		}
	case []any:
		i, ok := number(key)
		if !ok {
			return nil, r.refuse(n.Location().From, errors.New("a list has numbered items, as in list[0]"))
		}
		if i >= 0 && i < float64(len(v)) && i == math.Trunc(i) {
			return v[int(i)], nil
		}
	}
	return "", nil
}

func (r *run) unary(n *ast.UnaryNode) (any, error) {
	v, err := r.eval(n.Node)
	if err != nil {
		return nil, err
	}
	if n.Operator == "not" || n.Operator == "!" {
		return !True(v), nil
	}
	x, ok := number(v)
	if !ok {
		return nil, r.refuse(n.Location().From, needsNumber(n.Operator, v))
	}
	if n.Operator == "-" {
		x = -x
	}
	return x, nil
}

// conditional goes one way only: the other may ask for what cannot be known.
func (r *run) conditional(n *ast.ConditionalNode) (any, error) {
	if !n.Ternary {
		return nil, r.refuse(0, errors.New("write 'condition ? this : that' in place of 'if'"))
	}
	v, err := r.eval(n.Cond)
	switch {
	case err != nil:
		return nil, err
	case True(v):
		return r.eval(n.Exp1)
	}
	return r.eval(n.Exp2)
}

func (r *run) binary(n *ast.BinaryNode) (any, error) {
	left, err := r.eval(n.Left)
	if err != nil {
		return nil, err
	}
	switch n.Operator { // the right side is looked at only when it decides
	case "and", "&&":
		if !True(left) {
			return left, nil
		}
		return r.eval(n.Right)
	case "or", "||":
		if True(left) {
			return left, nil
		}
		return r.eval(n.Right)
	}
	right, err := r.eval(n.Right)
	if err != nil {
		return nil, err
	}
	if err = r.pay(weight(left) + weight(right)); err == nil {
		var v any
		if v, err = r.operate(n.Operator, left, right); err == nil {
			return v, nil
		}
	}
	return nil, r.refuse(n.Location().From, err)
}

// weight is what looking through a text costs.
func weight(v any) int {
	s, _ := v.(string)
	return len(s) / 64
}
