{{/* What the operator may do where it watches. No wildcard, no Secret: a model store's credentials are never its business. */}}
{{- define "paddle-serving-operator.rules" -}}
# Read the custom resources. They are never changed: spec is the user's.
- apiGroups: [serving.paddlepaddle.org]
  resources: [paddleservices]
  verbs: [get, list, watch]
# Tell what was observed.
- apiGroups: [serving.paddlepaddle.org]
  resources: [paddleservices/status]
  verbs: [patch]
# Own objects with blockOwnerDeletion, where the cluster checks that right (OwnerReferencesPermissionEnforcement).
- apiGroups: [serving.paddlepaddle.org]
  resources: [paddleservices/finalizers]
  verbs: [update]
# One Deployment for each live revision.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
# The history of revisions.
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [get, list, watch, create, patch, delete]
# What each revision proved. A role cannot be limited to ConfigMaps of a label; the operator touches only its own.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch, create, patch, delete]
# The addresses that clients use.
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch, delete]
# The account without token that the pods run as.
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [get, list, watch, create, patch, delete]
# The promise that a node drain leaves enough replicas.
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
# The number of pods, where a PaddleService asks for an autoscaler.
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
# The weights of a canary, where a PaddleService names a Gateway.
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
# Why a pod is not Ready: its conditions and termination messages.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# The report of a pod that was refused: it has ended, so that only its log has it.
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
# Whether a Service already sends its traffic to the pods that it should.
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
# Leave a trace that `kubectl describe` shows.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}
