{{/* What the operator may read beside that where its page is on. */}}
{{- define "paddle-serving-operator.pageRules" -}}
# Show on the page what happened. The operator asks for those about its own kind; a role cannot be limited to them.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [list, watch]
{{- end -}}
