"""A simulated team at work on a throwaway database.

```python
from firetower.demo.session import DemoSession

with DemoSession(speed=2.0) as session:
    print(session.database_url)
```
"""
