"""The fault proxy of the demo, for tests."""

from deploy.demo.fault_proxy import Counters, Fault, FaultPlan, FaultProxy, Injection

__all__ = ["Counters", "Fault", "FaultPlan", "FaultProxy", "Injection"]
