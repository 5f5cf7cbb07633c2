"""A simulated team at work on a throwaway database.

```python
from firetower.demo.session import demo_session

with demo_session(speed=2.0) as database_url:
    print(database_url)
```
"""
