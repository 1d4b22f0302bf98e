import os, time, cProfile, pstats
import pytest
from tests.dsgvo.conftest import KEY
from xrm_core.testing import Setup
from tests.dsgvo.test_erasures import OPEN, RUN
N=int(os.environ.get("N","1000"))
@pytest.fixture(scope="session")
def xrm_setup() -> Setup:
    return Setup(plugins=["dsgvo","sales"], pack="core", environment=KEY)

@pytest.mark.timeout(3000)
def test_big(xrm):
    admin=xrm.as_role("admin")
    c=xrm.create("contact", last_name="Kern", first_name="Ada", email="ada@kern.example")
    t=time.time()
    records=xrm.platform.records
    for s in range(0,N,500):
        with xrm.database.begin() as conn:
            for i in range(s,min(N,s+500)):
                records.create(conn,xrm._system(),"activity",{"subject":f"Call {i}","contact":c,"kind":"call"})
    print("filled",time.time()-t)
    def timed(name,f):
        p=cProfile.Profile(); t=time.process_time(); w=time.time()
        if os.environ.get("PROF")==name: p.enable()
        r=f()
        if os.environ.get("PROF")==name:
            p.disable(); pstats.Stats(p).sort_stats("cumulative").print_stats(60)
        print(f"{name}: wall {time.time()-w:.2f} cpu {time.process_time()-t:.2f}", flush=True)
        return r
    READ="query ($run: String!) { dsgvoErasurePlan(run: $run) { status planHash percent needsReview failures { step code } steps { name count } } }"
    O=OPEN.replace("run planHash","run status planHash")
    o=timed("open", lambda: admin.post(O, i={"entity":"contact","record":c,"reviewed":[{"entity":"activity","field":"subject","erase":True}]}).json())
    if o.get("errors"): print(str(o)[:1000])
    d=o["data"]["dsgvoErasureOpen"]
    print(d["status"], len(d["records"]))
    aud=xrm.as_role("auditor")
    if d["status"]=="planning":
        timed("plan", lambda: xrm.work())
        d|=aud.post(READ,run=d["run"]).json()["data"]["dsgvoErasurePlan"]
    r=timed("run",lambda: xrm.as_role("dsb").post(RUN,i={"run":d["run"],"planHash":d["planHash"]}).json())
    print(str(r)[:300])
    timed("work",lambda: xrm.work())
    print(aud.post(READ, run=d["run"]).json())
